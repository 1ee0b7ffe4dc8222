// Quantum teleportation of the state U(0.3, 0.2, 0.1)|0> from q[0] to q[2].
// After examples/teleport.qasm of OpenQASM (Apache License 2.0). Changed: the bits stand in
// registers, which give them names; conditions are written as Qiskit's importer reads them;
// and the gate `post`, empty there, undoes the preparation, so that the last bit is 0 if
// the state has arrived.
OPENQASM 3;
include "stdgates.inc";
qubit[3] q;
bit[2] c;
bit[1] out;
gate post q { U(-0.3, -0.1, -0.2) q; }
reset q;
U(0.3, 0.2, 0.1) q[0];
h q[1];
cx q[1], q[2];
barrier q;
cx q[0], q[1];
h q[0];
c[0] = measure q[0];
c[1] = measure q[1];
if (c[0] == true) { z q[2]; }
if (c[1] == true) { x q[2]; }
post q[2];
out[0] = measure q[2];
