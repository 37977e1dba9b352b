import type { PageLanguage } from '#shared/contract/exports.ts';
import { escaped } from '#shared/domain/escaped.ts';

/** What a delivery sheet says; `…` of commands are HTML already. */
interface SheetStrings {
  readonly locale: string;
  readonly title: string;
  readonly lead: string;
  readonly packageId: string;
  readonly request: string;
  readonly medium: string;
  readonly made: string;
  readonly written: string;
  readonly by: string;
  readonly size: string;
  readonly bytes: (number: string) => string;
  readonly signer: string;
  readonly unsigned: string;
  readonly sum: string;
  readonly volumes: string;
  readonly howTo: string;
  readonly join: (unix: string, windows: string) => string;
  readonly compare: (linux: string, mac: string, windows: string) => string;
  readonly decrypt: (command: string) => string;
  readonly open: (zip: string) => string;
  readonly secret: string;
  readonly notEncrypted: string;
  readonly handover: string;
  readonly handoverColumns: readonly [string, string, string];
}

const code = (text: string): string => `<code>${escaped(text)}</code>`;

const english: SheetStrings = {
  locale: 'en-IN',
  title: 'Delivery sheet',
  lead: 'This sheet goes with a medium that holds one package of personal data. It names nobody.',
  packageId: 'Package',
  request: 'Request',
  medium: 'Medium',
  made: 'Made',
  written: 'Written and read back',
  by: 'Made by',
  size: 'Size',
  bytes: (number) => `${number} bytes`,
  signer: 'Signed by the key',
  unsigned: 'not signed',
  sum: 'SHA-256 of the package',
  volumes: 'Its volumes, each with its SHA-256',
  howTo: 'How to open it',
  join: (unix, windows) =>
    `Put the volumes together: ${code(unix)} on Linux and macOS, ${code(windows)} on Windows.`,
  compare: (linux, mac, windows) =>
    `Compare the sum with the one above: ${code(linux)} on Linux, ${code(mac)} on macOS, ${code(windows)} on Windows. Where they differ, open nothing and say so.`,
  decrypt: (command) => `Decrypt it with age (age-encryption.org): ${code(command)}`,
  open: (zip) =>
    `Unpack ${code(zip)} and open the file index.html in its folder data. VERIFY.txt says how to check every file and the signature.`,
  secret: 'What opens it comes by another way than this medium. It is not on this sheet.',
  notEncrypted: 'The package is not encrypted: whoever has the medium can read it.',
  handover: 'Handed over',
  handoverColumns: ['Date and place', 'To whom', 'Signature'],
};

const hindi: SheetStrings = {
  locale: 'hi-IN',
  title: 'सुपुर्दगी पत्र',
  lead: 'यह पत्र उस माध्यम के साथ है जिसमें निजी डेटा का एक पैकेज है। इसमें किसी का नाम नहीं है।',
  packageId: 'पैकेज',
  request: 'अनुरोध',
  medium: 'माध्यम',
  made: 'बनाया गया',
  written: 'लिखा और वापस पढ़ा गया',
  by: 'बनाने वाला प्रोग्राम',
  size: 'आकार',
  bytes: (number) => `${number} बाइट`,
  signer: 'हस्ताक्षर की कुंजी',
  unsigned: 'हस्ताक्षर नहीं है',
  sum: 'पैकेज का SHA-256',
  volumes: 'इसके भाग, हर एक अपने SHA-256 के साथ',
  howTo: 'इसे कैसे खोलें',
  join: (unix, windows) => `भागों को जोड़ें: Linux और macOS पर ${code(unix)}, Windows पर ${code(windows)}।`,
  compare: (linux, mac, windows) =>
    `योग को ऊपर लिखे योग से मिलाएँ: Linux पर ${code(linux)}, macOS पर ${code(mac)}, Windows पर ${code(windows)}। अलग हो तो कुछ न खोलें और बताएँ।`,
  decrypt: (command) => `age (age-encryption.org) से खोलें: ${code(command)}`,
  open: (zip) =>
    `${code(zip)} को खोलें और उसके फ़ोल्डर data में index.html देखें। हर फ़ाइल और हस्ताक्षर की जाँच VERIFY.txt में लिखी है।`,
  secret: 'इसे खोलने का पासफ़्रेज़ या कुंजी किसी दूसरे रास्ते से आती है। वह इस पत्र पर नहीं है।',
  notEncrypted: 'पैकेज एन्क्रिप्टेड नहीं है: जिसके पास माध्यम है वह इसे पढ़ सकता है।',
  handover: 'सुपुर्दगी',
  handoverColumns: ['तारीख़ और स्थान', 'किसे', 'हस्ताक्षर'],
};

export const sheetStrings: Readonly<Record<PageLanguage, SheetStrings>> = { en: english, hi: hindi };
