import type { Attributes, Exchange } from './exchange.ts';

/**
 * What every span says of its connection: who serves (`server.*`), who is at the other end (`network.peer.*`) and, of one that serves, for whom
 * (`client.*`); and what of the exchange was not seen. `client`: the other end serves, which the role does not say where servers ask, too.
 */
export function connectionAttributes(
  { connection, role, incomplete }: Exchange,
  client = role === 'client',
): Attributes {
  const { transport, remoteAddress, remotePort, localAddress, localPort } = connection;
  const address = client ? remoteAddress : localAddress;
  const port = client ? remotePort : localPort;
  const attributes: Attributes = { 'network.transport': transport };
  if (address !== '') attributes['server.address'] = address;
  if (port !== 0) attributes['server.port'] = port;
  if (remoteAddress !== '') attributes['network.peer.address'] = remoteAddress;
  if (remotePort !== 0) attributes['network.peer.port'] = remotePort;
  if (!client && transport !== 'unix' && remoteAddress !== '') {
    attributes['client.address'] = remoteAddress;
    attributes['client.port'] = remotePort;
  }
  if (incomplete !== undefined) attributes['undertrace.exchange.incomplete'] = incomplete;
  return attributes;
}
