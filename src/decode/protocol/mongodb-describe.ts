import { connectionAttributes } from '../connection-attributes.ts';
import type { Description, Exchange } from '../exchange.ts';
import type { MongoReply, MongoRequest } from './mongodb-message.ts';

/** MongoDB spans by the semantic conventions 1.44: `{command} {collection}`, and the database where there is no collection. */
export function describe(exchange: Exchange): Description {
  const request = exchange.request as MongoRequest;
  const reply = exchange.response as MongoReply | undefined;
  const { command, collection, database, batchSize, compressor } = request;
  const attributes = connectionAttributes(exchange);
  attributes['db.system.name'] = 'mongodb';
  if (command !== '') attributes['db.operation.name'] = command;
  if (collection !== undefined) attributes['db.collection.name'] = collection;
  if (database !== undefined) attributes['db.namespace'] = database;
  // One is no batch.
  if (batchSize !== undefined && batchSize > 1) attributes['db.operation.batch.size'] = batchSize;
  if (compressor !== undefined) {
    attributes['undertrace.mongodb.compressor'] = compressor;
    attributes['undertrace.mongodb.uncompressed_size'] = request.uncompressedSize;
  }
  if (reply?.code !== undefined) attributes['db.response.status_code'] = String(reply.code);
  const target = collection ?? database;
  return {
    name: command === '' ? 'mongodb' : target === undefined ? command : `${command} ${target}`,
    attributes,
    errorType: failureOf(exchange, request, reply) ?? errorOf(reply),
  };
}

function errorOf(reply: MongoReply | undefined): string | undefined {
  if (reply?.failed !== true) return undefined;
  return reply.code === undefined ? '_OTHER' : String(reply.code);
}

/** Who waits for what may never happen, or has had some of an endless answer, ends that by closing the connection. */
function failureOf(
  { failure }: Exchange,
  { patient }: MongoRequest,
  reply: MongoReply | undefined,
): string | undefined {
  const endless = patient || reply?.moreToCome === true;
  return endless && failure === 'connection_closed' ? undefined : failure;
}
