# The agent as an image.
#
#   docker build -t undertrace .
#   docker compose up                 the whole stack; docker-compose.yml says with which rights the agent runs, and why
#
# Both stages have the same base, so that what is compiled in the first finds its libraries in the second.
ARG NODE_IMAGE=node:24.18.0-bookworm-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /opt/undertrace
# The lists of packages; the set-up installs what it lacks (compilers, headers), with apt.
RUN apt-get update
COPY . .
# Modules, libbpf (of Debian's source package, by its SHA-256), programs for the kernel, addon, service.
RUN node scripts/setup.mjs || { cat build/setup.log; exit 1; }
RUN npm prune --omit=dev --no-audit --no-fund

FROM ${NODE_IMAGE}
# What the addon is linked with.
RUN apt-get update \
 && apt-get install -y --no-install-recommends libelf1 zlib1g \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /opt/undertrace
COPY --from=build /opt/undertrace/package.json ./
COPY --from=build /opt/undertrace/node_modules node_modules
COPY --from=build /opt/undertrace/config config
COPY --from=build /opt/undertrace/dist dist
COPY --from=build /opt/undertrace/build/undertrace.node build/undertrace.node
COPY --from=build /opt/undertrace/build/bpf build/bpf
# For `docker exec agent undertrace status` and the like.
RUN chmod 755 dist/main.js && ln -s /opt/undertrace/dist/main.js /usr/local/bin/undertrace
ENV NODE_ENV=production
EXPOSE 9464
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:9464/readyz').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# Root without capabilities but those that it is given: see docker-compose.yml. SIGTERM hands over what the agent has.
USER root
ENTRYPOINT ["undertrace"]
CMD ["run"]
