import { Testbed } from '@trilane/testbed'
import { labDirectory } from '../lab-directory.ts'
import { readablesOf } from '../tables/lab-places.ts'
import { readPlaces } from '../tables/read-places.ts'
import type { Scene } from './scene.ts'

/** All of a laboratory that stays up. @throws TrilaneError `TRI_LAB_UNKNOWN` */
export async function labScene(name: string, defaultName: string): Promise<Scene> {
  const bed = Testbed.open(name, labDirectory(name))
  const option = name === defaultName ? '' : ` --name ${name}`
  return {
    places: await readPlaces(readablesOf(bed)),
    aliases: new Map(),
    shellOf: (place) => `./trilane lab exec${option} ${place} -- `
  }
}
