-- Reserve on every limit of one tenant, or on none. The arithmetic is that of gcra.py.
-- KEYS: one per limit, all with the hash tag of the tenant. ARGV: request id, lease in ms, then kind, limit, cost per key.
-- kind: g = per minute (value "debt at"), d = per day (value "day used"), c = in flight (sorted set of ids by end of lease).
-- Returns {1, now, level...} or {0, now, index of the binding limit, wait in ms, level...}.
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local day = math.floor(now / 86400000)
local levels, bound, longest = {}, 0, 0

for i, key in ipairs(KEYS) do
  local kind, limit, cost = ARGV[3 * i], tonumber(ARGV[3 * i + 1]), tonumber(ARGV[3 * i + 2])
  local level, wait = 0, 0
  if kind == 'c' then
    redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
    level = redis.call('ZCARD', key)
    if level + cost > limit then wait = 1000 end
  else
    local first, second = string.match(redis.call('GET', key) or '', '^(%d+) (%d+)$')
    if kind == 'g' then
      if first then level = math.max(0, tonumber(first) - math.max(0, now - tonumber(second)) * limit) end
      wait = math.max(0, math.ceil((level + (cost - limit) * 60000) / limit))
    else
      if first and tonumber(first) == day then level = tonumber(second) end
      if level + cost > limit then wait = 86400000 - now % 86400000 end
    end
  end
  levels[i] = level
  if wait > longest then bound, longest = i, wait end
end

if bound > 0 then return {0, now, bound, longest, unpack(levels)} end

for i, key in ipairs(KEYS) do
  local kind, limit, cost = ARGV[3 * i], tonumber(ARGV[3 * i + 1]), tonumber(ARGV[3 * i + 2])
  if kind == 'c' then
    levels[i] = levels[i] + cost
    redis.call('ZADD', key, now + ARGV[2], ARGV[1])
    redis.call('PEXPIRE', key, ARGV[2] * 2)
  elseif kind == 'g' then
    levels[i] = levels[i] + cost * 60000
    redis.call('SET', key, string.format('%.0f %.0f', levels[i], now), 'PX', math.ceil(levels[i] / limit) + 1000)
  else
    levels[i] = levels[i] + cost
    redis.call('SET', key, string.format('%.0f %.0f', day, levels[i]), 'PX', 172800000)
  end
end
return {1, now, unpack(levels)}
