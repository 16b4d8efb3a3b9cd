import asyncio


def example_function(a, b, c):
    print("the function runs")
    return a + b + c


async def example_coroutine_function(a: int, b: int, c: int) -> int:
    print("the coroutine runs")
    return a + b + c


async def main():
    r = example_function(1, 2, 3)
    print(r)

    r = example_coroutine_function(1, 2, 3)
    print("nothing has run yet")
    print(await r)


asyncio.run(main())
