import { describeSubnetStore } from '@trilane/compliance'
import { fileFixture } from './file-fixture.ts'

describeSubnetStore('in a directory', { create: fileFixture })
