/** Errors of data; see the registry for what each field means. */
export const dataErrors = {} as const;
