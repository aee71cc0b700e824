// Decides, cycle by cycle, which term of k stands at the left and top edges and what the drain registers do.
// A fold streams k terms and lasts max(k, rows used) cycles; after its last term the rows move their
// sums to the drain registers one after the other: row `drained` takes, the rows above it hold, those below shift.
module sequencer_os #(parameter ROWS = 4, parameter COLS = 4, parameter SIZE = 16) (
    input  wire            clk,
    input  wire            start,
    input  wire [SIZE-1:0] m,
    input  wire [SIZE-1:0] k,
    input  wire [SIZE-1:0] n,
    output wire            streaming,
    output reg  [SIZE-1:0] term,
    output reg  [SIZE-1:0] m0,
    output reg  [SIZE-1:0] n0,
    output wire [ROWS-1:0] take,
    output wire [ROWS-1:0] hold
);
    reg            busy, draining;
    reg [SIZE-1:0] drained, drain_used;

    wire [SIZE-1:0] used = m - m0 < ROWS ? m - m0 : ROWS;
    wire more_n   = n0 + COLS < n;
    wire fold_end = term + 1 >= (k > used ? k : used);
    assign streaming = busy && term < k;

    genvar r;
    generate
        for (r = 0; r < ROWS; r = r + 1) begin : row
            assign take[r] = draining && drained == r;
            assign hold[r] = draining && drained > r;
        end
    endgenerate

    always @(posedge clk)
        if (start) begin
            busy <= 1'b1;
            term <= 0;
            m0 <= 0;
            n0 <= 0;
            draining <= 1'b0;
            drained <= 0;
            drain_used <= 0;
        end else begin
            drained <= drained + 1;
            if (drained == drain_used - 1) draining <= 1'b0;
            if (streaming && term == k - 1) begin
                draining <= 1'b1;
                drained <= 0;
                drain_used <= used;
            end
            if (busy) begin
                term <= term + 1;
                if (fold_end) begin
                    term <= 0;
                    n0 <= more_n ? n0 + COLS : 0;
                    if (!more_n) begin
                        m0 <= m0 + ROWS;
                        busy <= m0 + ROWS < m;
                    end
                end
            end
        end
endmodule
