import type { ServiceNameResolver } from './service-name.ts';

const UNIT = /^(.+)\.service$/;
/**
 * Units that hold programs of others, so that their name is not the program's: log-ins and timers, supervisors, container engines (their
 * own daemon is named by its executable), first-boot and rescue shells, and units made up at run time.
 */
const GENERIC =
  /^(?:sshd?|cron|crond|atd|anacron|systemd-.+|user|session-.+|init|dbus(?:-broker)?|getty|serial-getty|console-getty|display-manager|gdm3?|lightdm|sddm|supervisord?|runit|s6|pm2-.+|circusd?|gitlab-runsvdir|docker|containerd|crio|podman|kubelet|lxc.*|libvirtd|cloud-(?:init|final|config).*|rc-local|rescue|emergency|run-.+|actions\.runner\..+|jenkins(?:-agent)?|buildkite-agent|google-startup-scripts|google-guest-agent|walinuxagent|waagent|qemu-guest-agent|xinetd|inetd)$/;

/** The service unit that the process runs in; instances of a template (`postgresql@15-main`) are one service. */
export const systemd: ServiceNameResolver = {
  source: 'systemd',
  resolve({ facts, container }) {
    if (container.id !== undefined || container.name !== undefined) return undefined;
    const components = (facts.cgroup ?? '').split('/');
    // A user's own manager: log-in sessions, desktop programs and what else somebody started by hand.
    if (components.includes('user.slice')) return undefined;
    const unit = components.map((component) => UNIT.exec(component)?.[1]).findLast(Boolean);
    if (unit === undefined) return undefined;
    const name = unescape(unit.replace(/@.*$/, ''));
    return GENERIC.test(name) ? undefined : name.replace(/^snap\./, '');
  },
};

/** systemd.unit(5), string escaping: `\x2d` is a dash. */
function unescape(unit: string): string {
  return unit.replace(/\\x([0-9a-f]{2})/g, (_, code: string) =>
    String.fromCharCode(Number.parseInt(code, 16)),
  );
}
