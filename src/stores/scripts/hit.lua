-- Counts one use in a fixed window. ARGV: key, limit, window in seconds. Returns {uses, ms until the window ends}.
-- Uses beyond the limit are not counted on, so that a refused caller does not lengthen anything.
local uses = tonumber(redis.call('GET', ARGV[1]) or '0')
if uses == 0 then
  redis.call('SET', ARGV[1], 1, 'EX', tonumber(ARGV[3]))
  return { 1, tonumber(ARGV[3]) * 1000 }
end
if uses <= tonumber(ARGV[2]) then uses = redis.call('INCR', ARGV[1]) end
return { uses, redis.call('PTTL', ARGV[1]) }
