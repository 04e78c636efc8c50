/**
 * How another plugin is called that gives pods their addresses (`ipam.type` of a CNI config): all of it but the verb, so
 * that what it gave can be taken back when nobody says any more how.
 */
export interface IpamCall {
  /** Name of its executable in the directories of `CNI_PATH`. */
  readonly type: string
  /** The `CNI_…` variables without `CNI_COMMAND`. */
  readonly env: Readonly<Record<string, string>>
  /** Its stdin: the network config, as JSON text. */
  readonly config: string
}

export type IpamVerb = 'ADD' | 'DEL' | 'CHECK' | 'GC' | 'STATUS'

/** Plugins of others, executed as the CNI specification says ("Plugin Delegation"). */
export interface IpamPlugins {
  /** Could it be executed? @throws TrilaneError `TRI_IPAM_MISSING` */
  find(call: IpamCall): Promise<void>

  /**
   * Executes it and waits for its end.
   *
   * @returns its stdout
   * @throws TrilaneError `TRI_IPAM_MISSING`, `TRI_IPAM_FAILED` with the plugin's own error as its cause,
   *   `TRI_IPAM_TIMEOUT`: it and all that it started was killed
   */
  run(verb: IpamVerb, call: IpamCall): Promise<string>
}
