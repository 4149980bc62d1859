/**
 * Header of every answer of a coordinator: its version. A client of the same version need not check answers, which the
 * coordinator checks before it sends them.
 */
export const VERSION_HEADER = 'ringmaster-version';
