from typing import Iterator


def generator_fn() -> Iterator[int]:
    for i in range(3):
        yield i


gen = generator_fn()

print(next(gen))
print(next(gen))
print(next(gen))

try:
    print(next(gen))
except StopIteration:
    print("StopIteration")
