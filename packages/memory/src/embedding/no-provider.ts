import { checkInteger, MillraceError } from "@millrace/core";
import { DIMS_MAX, DIMS_MIN } from "@millrace/vector";
import type { EmbeddingProvider } from "./provider.ts";

/** Stands for the model of a space that is given vectors: it has their dimensions (2 to 4,096), and refuses texts as `invalid_argument`. */
export function createNoProvider(dims: number): EmbeddingProvider {
  checkInteger("dims", dims, { min: DIMS_MIN, max: DIMS_MAX });
  return {
    name: "none",
    model: String(dims),
    dims,
    async embed() {
      const message = `the space was made for vectors of ${dims} dimensions, without a model that embeds text; send vectors, or use a space with a model`;
      throw new MillraceError("invalid_argument", message);
    },
  };
}
