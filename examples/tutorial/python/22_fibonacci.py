def fibonacci(n: int):
    """Return an iterator over the first n numbers of the Fibonacci sequence."""
    a = 1
    b = 1
    for _ in range(n):
        yield a
        a, b = b, a + b


# Print the first 10 numbers of the Fibonacci sequence
for i in fibonacci(10):
    print(i)
