import type { PageLanguage } from '#shared/contract/exports.ts';
import type { RedactionGround } from '#shared/domain/redaction.ts';

/** What the page says, beside what the data map and the person's own data say. */
export interface PageStrings {
  readonly locale: string;
  readonly title: string;
  readonly lead: string;
  readonly request: string;
  readonly reference: string;
  readonly kind: string;
  readonly controller: string;
  readonly made: string;
  readonly read: string;
  /** That it was read at several moments. */
  readonly moments: (count: string, resumed: boolean) => string;
  readonly by: string;
  readonly contents: string;
  readonly search: string;
  readonly found: string;
  readonly records: (count: string) => string;
  readonly firstOf: (shown: string, all: string) => string;
  readonly allIn: string;
  readonly asTable: string;
  readonly asRecords: string;
  readonly empty: string;
  readonly emptyColumns: string;
  readonly files: string;
  readonly fileCount: (count: string) => string;
  readonly filesAllIn: string;
  readonly name: string;
  readonly size: string;
  readonly state: string;
  readonly picture: string;
  readonly noName: string;
  readonly notLinked: string;
  readonly status: Readonly<Record<'complete' | 'differs' | 'incomplete' | 'missing' | 'redacted', string>>;
  /** Said besides of a file that the store has and did not give. */
  readonly notGiven: string;
  readonly information: string;
  readonly inGeneral: string;
  readonly informed: Readonly<
    Record<
      | 'controller'
      | 'contact'
      | 'decidedBy'
      | 'transfers'
      | 'rights'
      | 'purpose'
      | 'categories'
      | 'recipients'
      | 'retention'
      | 'kept'
      | 'sources',
      string
    >
  >;
  readonly leftOut: string;
  readonly leftOutLead: string;
  readonly whole: string;
  /** What the program itself says in English elsewhere in the package. */
  readonly phrases: Readonly<Record<string, string>>;
  /** After the ground; both are HTML. */
  readonly keptFor: (years: string, from: string) => string;
  readonly redacted: string;
  readonly redactedLead: string;
  readonly redactedFile: string;
  readonly record: string;
  readonly grounds: Readonly<Record<RedactionGround, string>>;
  readonly yes: string;
  readonly no: string;
  readonly more: string;
  readonly check: string;
}

const english: PageStrings = {
  locale: 'en-IN',
  title: 'Your data',
  lead: 'This is what CloudSingh holds about you. The page works without a network and sends nothing anywhere.',
  request: 'Request',
  reference: 'Your reference',
  kind: 'About',
  controller: 'Who decides',
  made: 'Made',
  read: 'As of',
  moments: (count, resumed) =>
    `The records were read at ${count} moments${resumed ? ', as reading was interrupted and went on' : ''}; one that was changed in between may be as it was at either.`,
  by: 'Made by',
  contents: 'What is here',
  search: 'Search this page',
  found: 'records found',
  records: (count) => (count === '1' ? '1 record.' : `${count} records.`),
  firstOf: (shown, all) => `The first ${shown} of ${all} are shown here.`,
  allIn: 'All of them:',
  asTable: 'as a table',
  asRecords: 'exactly',
  empty: 'Nothing is held under:',
  emptyColumns: 'Empty in all that is shown:',
  files: 'Files',
  fileCount: (count) => (count === '1' ? '1 file.' : `${count} files.`),
  filesAllIn: 'The list of all files:',
  name: 'Name',
  size: 'Size',
  state: 'State',
  picture: 'Picture',
  noName: 'without a name',
  notLinked: 'Opened in a browser it could run programs, so there is no link; its file is',
  status: {
    complete: 'whole',
    differs: 'whole, but other than its record says',
    incomplete: 'only its beginning',
    missing: 'could not be read, so it is not here',
    redacted: 'kept back',
  },
  notGiven: 'the storage did not give it, though asked several times; it can be asked for again',
  information: 'Why it is held',
  inGeneral: 'In general, and your rights',
  informed: {
    controller: 'Controller',
    contact: 'Contact',
    decidedBy: 'Who decides about it',
    transfers: 'Transfers to other countries',
    rights: 'You may ask for',
    purpose: 'Purpose',
    categories: 'Categories',
    recipients: 'Recipients',
    retention: 'How long it is kept',
    kept: 'Kept by law',
    sources: 'Where it comes from',
  },
  leftOut: 'What is left out',
  leftOutLead: 'These are held, and not in this package.',
  whole: 'all of it',
  phrases: {},
  keptFor: (years, from) => (years === '1' ? `1 year from ${from}` : `${years} years from ${from}`),
  redacted: 'What was kept back',
  redactedLead:
    'These were kept out of this package when it was reviewed, each for the reason beside it. You may ask for it to be looked at again.',
  redactedFile: 'A file',
  record: 'record',
  grounds: {
    others: 'it would harm the rights of other people',
    privilege: 'it is protected by legal privilege',
    secrecy: 'it is a trade secret or under a duty of secrecy',
    investigation: 'it would harm an investigation or proceedings',
    security: 'it would weaken security',
  },
  yes: 'yes',
  no: 'no',
  more: 'longer; the rest is in the file',
  check: 'How to check that nothing was changed stands in VERIFY.txt, beside the folder of this page.',
};

const hindi: PageStrings = {
  locale: 'hi-IN',
  title: 'आपका डेटा',
  lead: 'CloudSingh के पास आपके बारे में जो जानकारी है, वह यहाँ है। यह पेज बिना नेटवर्क के चलता है और कहीं कुछ नहीं भेजता।',
  request: 'अनुरोध',
  reference: 'आपकी संदर्भ संख्या',
  kind: 'किसके बारे में',
  controller: 'निर्णय किसका है',
  made: 'बनाया गया',
  read: 'इस समय की स्थिति',
  moments: (count, resumed) =>
    `रिकॉर्ड ${count} अलग-अलग समय पर पढ़े गए${resumed ? ', क्योंकि पढ़ना बीच में रुका और फिर आगे बढ़ा' : ''}; बीच में बदला हुआ रिकॉर्ड किसी भी समय की स्थिति में हो सकता है।`,
  by: 'बनाने वाला प्रोग्राम',
  contents: 'यहाँ क्या है',
  search: 'इस पेज में खोजें',
  found: 'रिकॉर्ड मिले',
  records: (count) => `${count} रिकॉर्ड।`,
  firstOf: (shown, all) => `${all} में से पहले ${shown} यहाँ दिखाए गए हैं।`,
  allIn: 'सभी रिकॉर्ड:',
  asTable: 'तालिका के रूप में',
  asRecords: 'ज्यों के त्यों',
  empty: 'इनमें कुछ नहीं है:',
  emptyColumns: 'दिखाए गए सभी रिकॉर्ड में खाली:',
  files: 'फ़ाइलें',
  fileCount: (count) => `${count} फ़ाइलें।`,
  filesAllIn: 'सभी फ़ाइलों की सूची:',
  name: 'नाम',
  size: 'आकार',
  state: 'स्थिति',
  picture: 'चित्र',
  noName: 'बिना नाम',
  notLinked: 'ब्राउज़र में खोलने पर यह प्रोग्राम चला सकती है, इसलिए लिंक नहीं है; फ़ाइल यह है:',
  status: {
    complete: 'पूरी',
    differs: 'पूरी, पर अपने रिकॉर्ड से अलग',
    incomplete: 'केवल शुरुआती भाग',
    missing: 'पढ़ी नहीं जा सकी, इसलिए यहाँ नहीं है',
    redacted: 'रोकी गई',
  },
  notGiven: 'कई बार माँगने पर भी भंडार ने यह फ़ाइल नहीं दी; इसे दोबारा माँगा जा सकता है',
  information: 'यह जानकारी क्यों रखी जाती है',
  inGeneral: 'सामान्य बातें और आपके अधिकार',
  informed: {
    controller: 'डेटा नियंत्रक',
    contact: 'संपर्क',
    decidedBy: 'इसके बारे में कौन निर्णय करता है',
    transfers: 'दूसरे देशों में भेजना',
    rights: 'आप माँग सकते हैं',
    purpose: 'उद्देश्य',
    categories: 'श्रेणियाँ',
    recipients: 'किसे दी जाती है',
    retention: 'कब तक रखी जाती है',
    kept: 'क़ानून के अनुसार रखी गई',
    sources: 'कहाँ से मिली',
  },
  leftOut: 'क्या शामिल नहीं है',
  leftOutLead: 'यह जानकारी रखी जाती है, पर इस पैकेज में नहीं है।',
  whole: 'पूरा',
  phrases: {
    'a secret of the platform': 'प्लेटफ़ॉर्म की गोपनीय जानकारी',
    'worked out from other data, so not part of portability':
      'दूसरे डेटा से निकाली गई, इसलिए पोर्टेबिलिटी का भाग नहीं',
    'about other people': 'दूसरे लोगों के बारे में',
    'left out by choice': 'चुनकर छोड़ी गई',
    'objects of R2 that no row of this package names': 'R2 की वे फ़ाइलें जिनका नाम इस पैकेज के किसी रिकॉर्ड में नहीं है',
    'access to the data and a copy of it (GDPR Art. 15, DPDP Act s. 11)':
      'डेटा देखना और उसकी एक प्रति (GDPR अनुच्छेद 15, DPDP अधिनियम धारा 11)',
    'correction (GDPR Art. 16, DPDP Act s. 12)': 'सुधार (GDPR अनुच्छेद 16, DPDP अधिनियम धारा 12)',
    'erasure, except what a law requires to be kept (GDPR Art. 17, DPDP Act s. 12)':
      'मिटाना, सिवाय उसके जिसे रखना क़ानून अनिवार्य करता है (GDPR अनुच्छेद 17, DPDP अधिनियम धारा 12)',
    'restriction of processing (GDPR Art. 18)': 'संसाधन पर रोक (GDPR अनुच्छेद 18)',
    'a copy in a machine-readable form (GDPR Art. 20)': 'मशीन से पढ़ी जा सकने वाली प्रति (GDPR अनुच्छेद 20)',
    'objection to processing (GDPR Art. 21)': 'संसाधन पर आपत्ति (GDPR अनुच्छेद 21)',
    'withdrawal of consent (GDPR Art. 7(3), DPDP Act s. 6)':
      'सहमति वापस लेना (GDPR अनुच्छेद 7(3), DPDP अधिनियम धारा 6)',
    'redress of grievances, and a complaint to a supervisory authority or the Data Protection Board of India (GDPR Art. 77, DPDP Act s. 13)':
      'शिकायत का निवारण, और पर्यवेक्षी प्राधिकरण या भारतीय डेटा संरक्षण बोर्ड में शिकायत (GDPR अनुच्छेद 77, DPDP अधिनियम धारा 13)',
    'given by the person': 'व्यक्ति ने स्वयं दी',
    'seen of how the platform is used': 'प्लेटफ़ॉर्म के उपयोग से मिली',
    'worked out from other data': 'दूसरे डेटा से निकाली गई',
  },
  keptFor: (years, from) => `“${from}” से ${years} वर्ष`,
  redacted: 'क्या रोका गया',
  redactedLead:
    'जाँच के समय इन्हें इस पैकेज से बाहर रखा गया; हर एक का कारण उसके पास लिखा है। आप इस पर दोबारा विचार माँग सकते हैं।',
  redactedFile: 'एक फ़ाइल',
  record: 'रिकॉर्ड',
  grounds: {
    others: 'इससे दूसरे लोगों के अधिकारों को हानि होती',
    privilege: 'यह क़ानूनी विशेषाधिकार से सुरक्षित है',
    secrecy: 'यह व्यापारिक रहस्य या गोपनीयता के कर्तव्य के अधीन है',
    investigation: 'इससे किसी जाँच या कार्यवाही को हानि होती',
    security: 'इससे सुरक्षा कमज़ोर होती',
  },
  yes: 'हाँ',
  no: 'नहीं',
  more: 'और भी है; बाकी फ़ाइल में है',
  check: 'कुछ बदला तो नहीं गया, यह कैसे जाँचें, VERIFY.txt में लिखा है, जो इस पेज के फ़ोल्डर के पास है।',
};

export const pageStrings: Readonly<Record<PageLanguage, PageStrings>> = { en: english, hi: hindi };
