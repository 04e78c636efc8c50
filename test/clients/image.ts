import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync
} from 'node:fs'
import { join } from 'node:path'

/** What containers are made of here; no registry has it. */
export const IMAGE = 'localhost/trilane-test:1'

/** Debian's package busybox-static. */
const BUSYBOX = '/bin/busybox'

/** What its web server says. `httpd -p 80 -h /www` starts it; the root of a sandbox cannot be written to. */
export const PAGE = 'hello\n'

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json'
const CONFIG = 'application/vnd.oci.image.config.v1+json'
const LAYER = 'application/vnd.oci.image.layer.v1.tar'

/** @returns the path of an OCI archive of {@link IMAGE}: a busybox that sleeps. containerd and podman load it. */
export function buildImage(directory: string): string {
  const work = mkdtempSync(join(directory, 'image-'))
  try {
    const layer = archive(rootDirectory(work), join(work, 'layer.tar'), '.')
    const blobs = join(work, 'layout', 'blobs', 'sha256')
    mkdirSync(blobs, { recursive: true })
    const platform = { architecture: process.arch === 'x64' ? 'amd64' : process.arch, os: 'linux' }
    const put = (mediaType: string, bytes: Uint8Array) => {
      const sha256 = createHash('sha256').update(bytes).digest('hex')
      writeFileSync(join(blobs, sha256), bytes)
      return { mediaType, digest: `sha256:${sha256}`, size: bytes.length }
    }
    const putJson = (mediaType: string, value: object) => put(mediaType, Buffer.from(JSON.stringify(value)))

    const layers = [put(LAYER, layer)]
    const config = putJson(CONFIG, {
      ...platform,
      config: { Cmd: ['/bin/sleep', '1000000'], Env: ['PATH=/bin'] },
      rootfs: { type: 'layers', diff_ids: layers.map(({ digest }) => digest) }
    })
    const manifest = putJson(MANIFEST, { schemaVersion: 2, mediaType: MANIFEST, config, layers })
    // containerd reads the first name, podman the second.
    const annotations = {
      'io.containerd.image.name': IMAGE,
      'org.opencontainers.image.ref.name': IMAGE
    }
    const index = { schemaVersion: 2, manifests: [{ ...manifest, annotations, platform }] }
    writeFileSync(join(work, 'layout', 'index.json'), JSON.stringify(index))
    writeFileSync(join(work, 'layout', 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}')
    const path = join(directory, 'image.tar')
    archive(join(work, 'layout'), path, 'oci-layout', 'index.json', 'blobs')
    return path
  } finally {
    rmSync(work, { recursive: true })
  }
}

function rootDirectory(work: string): string {
  const root = join(work, 'root')
  for (const name of ['bin', 'dev', 'etc', 'proc', 'sys', 'home', 'tmp', 'www'])
    mkdirSync(join(root, name), { recursive: true })
  copyFileSync(BUSYBOX, join(root, 'bin', 'busybox'))
  chmodSync(join(root, 'bin', 'busybox'), 0o755)
  for (const name of ['sh', 'sleep', 'ip', 'ping', 'httpd', 'wget', 'cat', 'nc', 'echo', 'hostname']) {
    symlinkSync('busybox', join(root, 'bin', name))
  }
  writeFileSync(join(root, 'etc', 'passwd'), 'root:x:0:0:root:/:/bin/sh\n')
  writeFileSync(join(root, 'etc', 'group'), 'root:x:0:\n')
  writeFileSync(join(root, 'www', 'index.html'), PAGE)
  return root
}

function archive(directory: string, path: string, ...names: readonly string[]): Buffer {
  execFileSync('tar', ['-C', directory, '--owner=0', '--group=0', '-cf', path, ...names])
  return readFileSync(path)
}
