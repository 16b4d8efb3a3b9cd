import asyncio


async def greet(whom, stay):
    print(f"hello, {whom}")
    await asyncio.sleep(stay)
    print(f"goodbye, {whom}")


async def main():
    asyncio_ = asyncio.create_task(greet("asyncio", 0.001))
    world = asyncio.create_task(greet("world", 0.002))
    await asyncio_
    await world


asyncio.run(main())
