/** The twin of src/tokenizer/foreign-stack.ts, which says what it is for. */
import { FOREIGN_NAMES_AT, FOREIGN_REALMS_AT, INTEGRATION_AT, TAG_TRAITS_AT } from "./layout";

const DEPTH_MAX: i32 = 128;
const HTML: i32 = 1;
const SVG: i32 = 2;
const MATH: i32 = 3;
const SVG_INTEGRATION: i32 = 4;
const MATH_INTEGRATION: i32 = 5;
const BREAKS_OUT: i32 = 16;
const IS_VOID: i32 = 32;
const CLOSES_FOREIGN: i32 = 64;

export let depth: i32 = 0;
let svgId: i32 = 0;
let mathId: i32 = 0;
let pId: i32 = 0;
let brId: i32 = 0;
let mglyphId: i32 = 0;
let malignmarkId: i32 = 0;

/** Ids of the tags with rules of their own. */
export function setForeignIds(svg: i32, math: i32, p: i32, br: i32, mglyph: i32, malignmark: i32): void {
  svgId = svg;
  mathId = math;
  pId = p;
  brId = br;
  mglyphId = mglyph;
  malignmarkId = malignmark;
}

export function resetForeign(): void {
  depth = 0;
}

@inline
export function isRoot(id: i32): bool {
  return id == svgId || id == mathId;
}

@inline
function realm(at: i32): i32 {
  return <i32>load<u8>(FOREIGN_REALMS_AT + <usize>at);
}

@inline
function nameAt(at: i32): i32 {
  return load<i32>(FOREIGN_NAMES_AT + ((<usize>at) << 2));
}

@inline
function traits(id: i32): i32 {
  return <i32>load<u8>(TAG_TRAITS_AT + <usize>id);
}

@inline
function top(): i32 {
  return depth > 0 ? realm(depth - 1) : 0;
}

export function isForeign(): bool {
  return depth > 0 && top() != HTML;
}

function inForeign(id: i32): bool {
  const at = top();
  if (at == MATH_INTEGRATION) return id == mglyphId || id == malignmarkId;
  return at == SVG || at == MATH;
}

function realmOf(id: i32): i32 {
  const point = <i32>load<u8>(INTEGRATION_AT + <usize>id);
  if (top() == SVG) return point == SVG_INTEGRATION ? SVG_INTEGRATION : SVG;
  return point == MATH_INTEGRATION ? MATH_INTEGRATION : MATH;
}

function push(name: i32, kind: i32): void {
  if (depth == DEPTH_MAX) return;
  store<i32>(FOREIGN_NAMES_AT + ((<usize>depth) << 2), name);
  store<u8>(FOREIGN_REALMS_AT + <usize>depth, <u8>kind);
  depth++;
}

function breakOut(): void {
  while (depth > 0 && (top() == SVG || top() == MATH)) depth--;
}

export function openForeign(id: i32, name: i32, isSelfClosing: bool): bool {
  if (inForeign(id)) {
    if ((traits(id) & BREAKS_OUT) == 0) {
      if (!isSelfClosing) push(name, realmOf(id));
      return true;
    }
    breakOut();
  }
  if (isRoot(id)) {
    if (!isSelfClosing) push(name, id == svgId ? SVG : MATH);
    return true;
  }
  if (depth > 0 && (traits(id) & IS_VOID) == 0) push(name, HTML);
  return false;
}

export function closeForeign(id: i32, name: i32): void {
  if (top() != HTML) {
    if (id == pId || id == brId) breakOut();
    else {
      for (let at = depth - 1; at >= 0 && realm(at) != HTML; at--) {
        if (nameAt(at) != name) continue;
        depth = at;
        return;
      }
    }
  }
  for (let at = depth - 1; at >= 0; at--) {
    const kind = realm(at);
    if (kind == HTML && nameAt(at) == name) {
      depth = at;
      return;
    }
    if (kind >= SVG_INTEGRATION) return;
  }
  if ((traits(id) & CLOSES_FOREIGN) != 0) depth = 0;
}
