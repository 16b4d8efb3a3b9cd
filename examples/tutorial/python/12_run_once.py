import asyncio


async def get_data_from_io(n):
    await asyncio.sleep(0.001)
    return n


async def process_data(data):
    await asyncio.sleep(0.001)
    print(f"processed {data}")


async def main():
    for n in range(3):
        data = await get_data_from_io(n)
        await process_data(data)


asyncio.run(main())
