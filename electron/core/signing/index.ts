export { fingerprintGiven } from './expectedSigner.ts';
export { keyOperations } from './operations.ts';
export {
  fingerprintOf,
  isSignature,
  keyOfLine,
  keyOfPem,
  publicForms,
  type Signature,
  type Signer,
} from './signature.ts';
export { signerAt } from './signerAt.ts';
