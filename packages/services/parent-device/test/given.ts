import { IpAddress } from '@trilane/ip'
import { type ParentOptions, parentOptions } from '../src/index.ts'

/** The node's own among its pods, of `UNDERLAY_LEASE`. */
export const HOST_ADDRESSES = { v4: IpAddress.parse('192.168.77.64'), v6: IpAddress.parse('fd00:77::1:0') }

export const optionsOf = (raw: Readonly<Record<string, unknown>> = {}): ParentOptions =>
  parentOptions(raw, undefined)
