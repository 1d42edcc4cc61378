-- Give back what a request did not use (or charge what it used beyond). KEYS: as in reserve.lua, without requests per minute.
-- ARGV: request id, day of the reservation, then kind, limit, unused units per key (below 0: overrun).
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)

for i, key in ipairs(KEYS) do
  local kind, limit, unused = ARGV[3 * i], tonumber(ARGV[3 * i + 1]), tonumber(ARGV[3 * i + 2])
  if kind == 'c' then
    redis.call('ZREM', key, ARGV[1])
  elseif unused ~= 0 then
    local first, second = string.match(redis.call('GET', key) or '', '^(%d+) (%d+)$')
    if kind == 'g' then
      local debt = 0
      if first then debt = math.max(0, tonumber(first) - math.max(0, now - tonumber(second)) * limit) end
      debt = math.max(0, debt - unused * 60000)
      redis.call('SET', key, string.format('%.0f %.0f', debt, now), 'PX', math.ceil(debt / limit) + 1000)
    elseif first and first == ARGV[2] then
      redis.call('SET', key, string.format('%.0f %.0f', tonumber(first), math.max(0, tonumber(second) - unused)), 'PX', 172800000)
    end
  end
end
return 1
