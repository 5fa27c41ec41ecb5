/** Bounds of retrieval. */

/** Words of a question that are searched for: a question has ten; a pasted page would read every posting of the space. */
export const MATCH_TERMS_MAX = 64;
/** Hits of one full-text search: 100 results with room to fuse, ten times over. */
export const TEXT_HITS_MAX = 10_000;
