/** Rendezvous hashing (Thaler and Ravishankar 1998): of n workers the one whose mix with the key is greatest; another worker takes 1/(n+1) of the keys. */
export function rendezvous(key: number, candidates: readonly number[]): number | undefined {
  let best: number | undefined;
  let greatest = -1;
  for (const candidate of candidates) {
    const weight = mix(key, candidate);
    if (weight <= greatest) continue;
    greatest = weight;
    best = candidate;
  }
  return best;
}

/** 32 well mixed bits of two numbers: the finalizer of MurmurHash3 (public domain, Appleby). */
function mix(key: number, candidate: number): number {
  let hash = Math.imul(key + 1, 0x9e37_79b1) ^ Math.imul(candidate + 1, 0x85eb_ca6b);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85eb_ca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2_ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
