import type { Connection, Origin } from '../connection/connection.ts';
import type { Attributes, Exchange } from './exchange.ts';

const NOBODY: Origin = { address: '', port: 0 };

/** For whom the accepting end of a connection works: whom the proxy in front of it has named, else its peer. Empty, and 0, where it is not known. */
export function clientOf({ origin, transport, remoteAddress, remotePort }: Connection): Origin {
  if (origin) return origin;
  return transport === 'unix' ? NOBODY : { address: remoteAddress, port: remotePort };
}

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
  if (!client) {
    const from = clientOf(connection);
    if (from.address !== '') attributes['client.address'] = from.address;
    if (from.port !== 0) attributes['client.port'] = from.port;
  }
  if (incomplete !== undefined) attributes['undertrace.exchange.incomplete'] = incomplete;
  return attributes;
}
