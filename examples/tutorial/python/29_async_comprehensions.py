import asyncio


async def numbers():
    for n in range(6):
        await asyncio.sleep(0.001)
        yield n


async def square(n):
    await asyncio.sleep(0.001)
    return n * n


async def async_gen():
    async for n in numbers():
        if n % 2 == 0:
            yield await square(n)


async def main():
    it = (await square(n) async for n in numbers() if n % 2 == 0)
    async for n in it:
        print(n)

    it = async_gen()
    async for n in it:
        print(n)

    squares = [n async for n in async_gen()]
    print(squares)


asyncio.run(main())
