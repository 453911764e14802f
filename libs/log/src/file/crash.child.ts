/** Appends and produces as fast as it can, and says on its output what was acknowledged. Killed by the crash test. */
import { openLog } from '../open.js'

const [directory, partitions] = [process.argv[2]!, Number(process.argv[3])]
const log = await openLog(`file:${directory}`, { partitions })
const say = (line: string) => process.stdout.write(`${line}\n`)
say('open')

async function append(partition: number): Promise<never> {
  let { end } = await log.range('room.events', partition)
  for (;;) {
    const count = 1 + (end % 5)
    const batch = Array.from({ length: count }, (_, index) => ({
      key: 'r',
      value: `${end + index} of ${end}+${count} ${'x'.repeat((end * 37) % 900)}`,
    }))
    const outcome = await log.append('room.events', partition, end, batch)
    if (!outcome.appended) throw new Error('conflict')
    end += count
    say(`room.events ${partition} ${end}`)
  }
}

async function produce(partition: number): Promise<never> {
  for (let number = (await log.range('room.commands', partition)).end; ; number++) {
    const { baseOffset } = await log.produce('room.commands', partition, [{ key: 'r', value: String(number) }])
    if (baseOffset !== number) throw new Error(`${baseOffset} is not ${number}`)
    say(`room.commands ${partition} ${baseOffset + 1}`)
  }
}

for (let partition = 0; partition < partitions; partition++) {
  void append(partition)
  void produce(partition)
}
