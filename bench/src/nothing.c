/* The least that a process can cost: what every start-up is measured against. */
int main(void) { return 0; }
