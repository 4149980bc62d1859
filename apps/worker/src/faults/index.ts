export { FAULTS_VARIABLE, type Fault, type FaultAction, type FaultPoint } from './fault.js';
