import { createReadStream } from 'node:fs'
import { readdir, readFile, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { extract } from 'tar-stream'
import type { LogFile } from './file.js'

/** Uncompressed bytes of all files together: they are held in memory while they are imported. */
const bytesMax = 1024 * 1024 * 1024

/** The `.txt` and `.log` files of a directory (with what is below it), of a `.tar.gz`, or one such file; in order of name, which begins with the date. */
export async function readSource(path: string): Promise<LogFile[]> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    throw new Error(error.code === 'ENOENT' ? `there is no ${path}` : `cannot read ${path}: ${error.message}`)
  })
  const files = found.isDirectory() ? await readDirectory(path) : await readArchiveOrFile(path)
  if (files.length === 0) throw new Error(`${path} holds no .txt or .log file`)
  return files.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
}

const isLog = (name: string) => /\.(txt|log)$/.test(name) && !basename(name).startsWith('.')

async function readDirectory(path: string): Promise<LogFile[]> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile() && isLog(entry.name))
  return Promise.all(files.map(async (entry) => ({ name: entry.name, bytes: await readFile(join(entry.parentPath, entry.name)) })))
}

async function readArchiveOrFile(path: string): Promise<LogFile[]> {
  if (isLog(path)) return [{ name: basename(path), bytes: await readFile(path) }]
  if (!/\.(tar\.gz|tgz)$/.test(path)) throw new Error(`${path} is neither a directory nor a .tar.gz, .txt or .log file`)
  const files: LogFile[] = []
  let total = 0
  const archive = extract()
  archive.on('entry', (header, stream, next) => {
    const chunks: Buffer[] = []
    const wanted = header.type === 'file' && isLog(header.name)
    stream.on('data', (chunk) => {
      const bytes = chunk as Buffer
      total += bytes.length
      if (total > bytesMax) archive.destroy(new Error(`${path} holds more than ${bytesMax} bytes`))
      else if (wanted) chunks.push(bytes)
    })
    stream.on('end', () => {
      if (wanted) files.push({ name: basename(header.name), bytes: Buffer.concat(chunks) })
      next()
    })
    stream.on('error', next)
  })
  await pipeline(createReadStream(path), createGunzip(), archive)
  return files
}
