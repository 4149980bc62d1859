/** Most microbatches that a step may have, and so most workers of a run. */
export const MOST_MICROBATCHES = 1024;

/** The gradients of so many microbatches add up in one int32 with 20 bits or more of resolution; those of more take two. */
export const MOST_IN_ONE_PLANE = 64;
