export { holdOperations } from './operations.ts';
