/** Errors of task; see the registry for what each field means. */
export const taskErrors = {} as const;
