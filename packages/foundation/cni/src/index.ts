/**
 * The CNI protocol as values, specification 0.1.0 to 1.1.0: what a runtime asks ({@link readRequest}), what a plugin
 * answers ({@link resultText}, {@link CniError}), and what lies between: names, `CNI_ARGS`, network configs, lists of
 * valid attachments. Text in, value out; no file, no process, no socket.
 *
 * @packageDocumentation
 */
export { aboutText, versionText } from './about.ts'
export { type CniArgs, parseCniArgs } from './cni-args.ts'
export { CniError, cniErrorOf } from './cni-error.ts'
export { type WantedAddresses, type WantedPod, wantedAddresses, wantedPod } from './conventions.ts'
export { Fields } from './fields.ts'
export { type GivenByPlugin, readGivenAddresses, scopeNumber } from './given-addressing.ts'
export { decodeInvocation, encodeInvocation, type Invocation } from './invocation.ts'
export { ipamCallOf, meansSameIpam } from './ipam-call.ts'
export { type Json, type JsonObject, readJson } from './json.ts'
export { answerVersionOf, type CniNetworkConfig, readNetworkConfig } from './network-config.ts'
export { type PluginConfig, readPluginConfig } from './plugin-config.ts'
export { readPluginError } from './plugin-output.ts'
export { readResult } from './read-result.ts'
export { type AttachmentRequest, type CniRequest, type CniVerb, readRequest } from './request.ts'
export type { CniDns, CniInterface, CniIp, CniResult, CniRoute } from './result.ts'
export { NO_DNS } from './result.ts'
export { compareVersions, isSupported, LATEST_VERSION, SUPPORTED_VERSIONS } from './spec-version.ts'
export { readValidAttachments } from './valid-attachments.ts'
export { resultJson, resultText } from './write-result.ts'
