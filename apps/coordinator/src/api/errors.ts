import { RingmasterError } from '@ringmaster/protocol';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';

/** Turns whatever a route throws into one of the registered errors. */
function toRingmasterError(error: unknown): RingmasterError {
  if (error instanceof RingmasterError) return error as RingmasterError;
  if (hasZodFastifySchemaValidationErrors(error)) {
    const [first] = error.validation;
    const where = first?.instancePath.replace(/^\//, '').replaceAll('/', '.') ?? '';
    const what = first?.message ?? 'it cannot be understood';
    const reason = where === '' ? what : `${where}: ${what}`;
    return new RingmasterError('REQUEST_INVALID', { reason });
  }
  const reason = error instanceof Error ? error.message : String(error);
  const status = error instanceof Error && 'statusCode' in error ? error.statusCode : 500;
  return typeof status === 'number' && status >= 400 && status < 500
    ? new RingmasterError('REQUEST_INVALID', { reason })
    : new RingmasterError('INTERNAL', { reason }, { cause: error });
}

/** Answers with the error's body; what is our fault is logged whole. */
export function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const known = toRingmasterError(error);
  if (known.status >= 500) request.log.error({ err: error, url: request.url }, known.message);
  void reply.status(known.status).type('application/json').send(JSON.stringify(known.toBody()));
}
