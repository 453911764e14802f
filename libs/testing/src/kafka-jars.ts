/** The jars of a real Kafka broker: from Maven, once, into the user's cache. */
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const pom = join(dirname(fileURLToPath(import.meta.url)), '../../../infra/kafka/pom.xml')

/** Undefined where there is no Java 17 or later; the reason then is one line for people. */
export function missingJava(): string | undefined {
  const java = spawnSync('java', ['-version'], { encoding: 'utf8' })
  const version = Number(/version "(\d+)/.exec(java.stderr ?? '')?.[1] ?? 0)
  return version >= 17 ? undefined : 'Kafka is not tested here: it needs Java 17 and Maven, or ROOMLOG_TEST_KAFKA=host:port'
}

/** The directory of the jars, fetched if it is not there (about 50 s, 43 MB). @throws Error in one line without Maven. */
export function kafkaJars(): string {
  const version = /<kafka.version>(.*)<\/kafka.version>/.exec(readFileSync(pom, 'utf8'))![1]!
  const cache = join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'roomlog')
  const directory = join(cache, `kafka-${version}`)
  if (existsSync(directory)) return directory
  mkdirSync(cache, { recursive: true })
  const part = mkdtempSync(join(cache, 'part-'))
  try {
    const goal = 'org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies'
    execFileSync('mvn', ['-q', '-B', '-f', pom, goal, `-DoutputDirectory=${part}`], { stdio: ['ignore', 'ignore', 'pipe'] })
    if (!existsSync(directory)) renameSync(part, directory)
  } catch (error) {
    throw new Error(
      `Maven did not fetch Kafka ${version}: ${
        String((error as { stderr?: Buffer }).stderr ?? error)
          .trim()
          .split('\n')[0]
      }`,
    )
  } finally {
    rmSync(part, { recursive: true, force: true })
  }
  return directory
}
