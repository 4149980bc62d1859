/** Errors of ring; see the registry for what each field means. */
export const ringErrors = {} as const;
