export { staffOperations } from './operations.ts';
export { scramVerifier } from './scram.ts';
