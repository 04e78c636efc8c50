import { LATEST_VERSION, SUPPORTED_VERSIONS } from './spec-version.ts'

/** The answer to VERSION: one line, whatever was asked, as the reference library has it. */
export function versionText(): string {
  return `${JSON.stringify({ cniVersion: LATEST_VERSION, supportedVersions: SUPPORTED_VERSIONS })}\n`
}

/** What the plugin says on stderr when a person starts it, without `CNI_COMMAND`. */
export function aboutText(programVersion: string): string {
  return `CNI trilane plugin ${programVersion}\nCNI protocol versions supported: ${SUPPORTED_VERSIONS.join(', ')}\n`
}
