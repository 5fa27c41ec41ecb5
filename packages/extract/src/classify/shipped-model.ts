/** The model that ships with the package, read when the first page needs it. */

import { modelBase64 } from "./model.generated.ts";
import { loadModel, type Model } from "./model.ts";

let model: Model | undefined;

export function shippedModel(): Model {
  model ??= loadModel(Buffer.from(modelBase64, "base64"));
  return model;
}
