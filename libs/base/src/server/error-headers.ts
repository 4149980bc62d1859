import type { RingmasterError } from '@ringmaster/protocol';

/** Headers that an answer with an error has to have, or should (RFC 9110). */
export function errorHeaders({ code, detail }: RingmasterError): Record<string, string> {
  switch (code) {
    case 'UNAUTHORIZED':
      return { 'www-authenticate': 'Bearer' };
    case 'METHOD_NOT_ALLOWED':
      return 'allow' in detail ? { allow: detail.allow } : {};
    case 'RANGE_INVALID':
      return 'bytes' in detail ? { 'content-range': `bytes */${detail.bytes}` } : {};
    case 'SERVER_BUSY':
    case 'SERVER_STOPPING':
      return { 'retry-after': '1' };
    default:
      return {};
  }
}
