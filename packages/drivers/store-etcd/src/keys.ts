/** Where things are below flannel's prefix. */
export class Keys {
  /** Absolute, without a slash at its end. */
  readonly prefix: string
  readonly config: Buffer
  /**
   * With the slash: flannel watches `…/subnets` as a bare string, so that `…/subnets-backup/x` disturbs it. What this
   * range holds is leases and nothing else.
   */
  readonly subnets: Buffer
  /** Exclusive. */
  readonly subnetsEnd: Buffer

  /** @param prefix `/coreos.com/network`; slashes are put right as Go's `path.Join` does */
  constructor(prefix: string) {
    this.prefix = prefix
      .split('/')
      .filter((part, index) => part !== '' || index === 0)
      .join('/')
    this.config = Buffer.from(`${this.prefix}/config`)
    this.subnets = Buffer.from(`${this.prefix}/subnets/`)
    this.subnetsEnd = Buffer.from(`${this.prefix}/subnets0`)
  }

  lease(key: string): Buffer {
    return Buffer.from(`${this.prefix}/subnets/${key}`)
  }

  /** The lease's key of a key in {@link subnets}. */
  nameOf(key: Buffer): string {
    return key.subarray(this.subnets.length).toString()
  }
}

/** The least key above `key`: where the next page begins. */
export function after(key: Buffer): Buffer {
  return Buffer.concat([key, Buffer.of(0)])
}
