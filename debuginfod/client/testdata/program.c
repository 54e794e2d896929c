/* A program with a few bytes of debug information. */
int counter;

int twice(int n)
{
	counter++;
	return n + n;
}

int main(void)
{
	return twice(counter);
}
