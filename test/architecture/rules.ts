import {
  FAMILY_RULE,
  LENGTH_RULE,
  LINK_RULE,
  MACHINE_RULE,
  NAME_RULE,
  ONLY_RULE,
  STYLE_CHECK_RULE
} from './files.ts'
import { DEEP_IMPORT_RULE, LAYER_RULE } from './layers.ts'
import { DEPENDENCY_RULE, INDEX_RULE, PACKAGE_RULE, REFERENCE_RULE } from './manifests.ts'
import { PURE_RULE, ROOM_RULE } from './outside-world.ts'
import type { Rule } from './rule.ts'

/** The laws of the tree. */
export const RULES: readonly Rule[] = [
  LAYER_RULE,
  DEEP_IMPORT_RULE,
  ROOM_RULE,
  PURE_RULE,
  DEPENDENCY_RULE,
  REFERENCE_RULE,
  PACKAGE_RULE,
  INDEX_RULE,
  LENGTH_RULE,
  NAME_RULE,
  MACHINE_RULE,
  ONLY_RULE,
  FAMILY_RULE,
  STYLE_CHECK_RULE,
  LINK_RULE
]
