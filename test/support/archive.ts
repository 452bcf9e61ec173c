// Tar archives for tests.
import { pack } from 'tar-stream'

/** An archive of these files; `programs` are executable, `links` lead somewhere. */
export async function writeArchive(
  files: Record<string, string>,
  programs: Record<string, string> = {},
  links: Record<string, string> = {},
): Promise<Buffer> {
  const archive = pack()
  for (const [name, text] of Object.entries(files)) archive.entry({ name, mode: 0o644 }, text)
  for (const [name, text] of Object.entries(programs)) archive.entry({ name, mode: 0o755 }, text)
  for (const [name, linkname] of Object.entries(links)) archive.entry({ name, linkname, type: 'symlink' }, '')
  archive.finalize()
  const chunks: Buffer[] = []
  for await (const chunk of archive) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}
