/** Errors of model; see the registry for what each field means. */
export const modelErrors = {} as const;
