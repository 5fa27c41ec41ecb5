/** Numbers or bits of one vector: sums of products of 8-bit numbers stay below 2^31 with room for l2. */
export const DISTANCE_DIMS_MAX = 16_384;
/** Bytes of rows and what goes with them, in 32-bit addresses; the rest is for the query and results. */
export const DISTANCE_BYTES_MAX = 2 ** 32 - 2 ** 20;
/** Length of f32 vectors: products stay finite in f32. */
export const LENGTH_MAX = 1e18;
/** Length from which on an f32 vector has a cosine; shorter ones count as zero, since their products would vanish in f32. */
export const LENGTH_MIN = 1e-15;
