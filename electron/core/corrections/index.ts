export { correctionOperations } from './operations.ts';
