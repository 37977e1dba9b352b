import { dialog, type BrowserWindow, type OpenDialogOptions, type SaveDialogOptions } from 'electron';

/** The dialogs of the operating system as the core sees them; each answers null when the person closes it. */
export interface DialogsPort {
  chooseFolder(): Promise<string | null>;
  chooseFile(purpose: 'open' | 'save', suggested: string | null): Promise<string | null>;
}

export function systemDialogs(currentWindow: () => BrowserWindow | undefined): DialogsPort {
  async function open(options: OpenDialogOptions): Promise<string | null> {
    const window = currentWindow();
    const answer = await (window ? dialog.showOpenDialog(window, options) : dialog.showOpenDialog(options));
    return answer.canceled ? null : (answer.filePaths[0] ?? null);
  }
  return {
    chooseFolder: () => open({ properties: ['openDirectory', 'createDirectory'] }),
    async chooseFile(purpose, suggested) {
      if (purpose === 'open') return await open({ properties: ['openFile'] });
      const options: SaveDialogOptions = suggested === null ? {} : { defaultPath: suggested };
      const window = currentWindow();
      const answer = await (window ? dialog.showSaveDialog(window, options) : dialog.showSaveDialog(options));
      return answer.canceled || answer.filePath === '' ? null : answer.filePath;
    },
  };
}
