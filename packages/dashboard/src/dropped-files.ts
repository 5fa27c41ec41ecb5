export type DroppedFile = { readonly path: string; readonly file: File };

/** The files of a drop, folders walked to their end, at most `filesMax`. Paths are relative to what was dropped. */
export async function filesOf(transfer: DataTransfer, filesMax: number): Promise<DroppedFile[]> {
  // The items are gone once the event is over, so all are taken before the first wait.
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry()).filter((entry) => entry !== null);
  const files: DroppedFile[] = [];
  const waiting: FileSystemEntry[] = entries.reverse();
  for (let entry = waiting.pop(); entry && files.length < filesMax; entry = waiting.pop()) {
    if (entry.isFile)
      files.push({ path: entry.fullPath.replace(/^\//, ""), file: await fileOf(entry as FileSystemFileEntry) });
    else if (!entry.name.startsWith(".")) waiting.push(...(await childrenOf(entry as FileSystemDirectoryEntry)));
  }
  return files;
}

function fileOf(entry: FileSystemFileEntry): Promise<File> {
  return new Promise((resolve, reject) => entry.file(resolve, reject));
}

/** A reader gives a folder in parts, and an empty part at its end. */
async function childrenOf(directory: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> {
  const reader = directory.createReader();
  const children: FileSystemEntry[] = [];
  for (;;) {
    const part = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (part.length === 0) return children;
    children.push(...part);
  }
}
